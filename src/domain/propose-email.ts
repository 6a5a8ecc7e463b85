/**
 * Addresses for a person whom HR gave none: from a pattern of policy and the name, in an order that everybody who
 * computes it gets alike. Whether one is free only the identity provider knows: whoever asks it goes down the list.
 */

/** How many people of one name get an address before a person has to choose one. */
export const EMAIL_CANDIDATES_MAX = 20;
/** RFC 5321, section 4.5.3.1.1. */
const LOCAL_LENGTH_MAX = 64;

/** Letters that no decomposition turns into ASCII, as the languages that use them write them without. */
const letters: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  å: 'a',
  ä: 'ae',
  ö: 'oe',
  ü: 'ue',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ı: 'i',
  ħ: 'h',
  ŋ: 'n',
  ŧ: 't',
};

/**
 * The candidates, best first: the pattern as it is, then with 2, 3, … before the @. Lower-case ASCII only. Empty where
 * the name has no letter that can be written so: then HR has to say an address.
 */
export function emailCandidates(pattern: string, name: { givenName: string; familyName: string }): string[] {
  const at = pattern.lastIndexOf('@');
  const given = asciiName(name.givenName) || asciiName(name.familyName);
  const family = asciiName(name.familyName) || asciiName(name.givenName);
  if (given === '' && family === '') return [];
  const parts: Record<string, string> = {
    given,
    // A person with one name is not called by it twice.
    family: asciiName(name.givenName) === '' || asciiName(name.familyName) === '' ? '' : family,
    givenInitial: given.slice(0, 1),
    familyInitial: family.slice(0, 1),
  };
  const filled = pattern.slice(0, at).replaceAll(/\{(\w+)\}/g, (_whole, part: string) => parts[part] ?? '');
  // Dots that stood between two names must not stand alone.
  const local = filled.replaceAll(/[._-]{2,}/g, (run) => run.slice(0, 1)).replaceAll(/^[._-]+|[._-]+$/g, '');
  if (local === '') return [];
  const domain = pattern.slice(at + 1);
  return Array.from({ length: EMAIL_CANDIDATES_MAX }, (_none, index) => {
    const suffix = index === 0 ? '' : String(index + 1);
    const cut = local.slice(0, LOCAL_LENGTH_MAX - suffix.length).replace(/[._-]+$/, '');
    return `${cut}${suffix}@${domain}`;
  });
}

/** Lower-case ASCII letters and digits of a name; what stands between its words is dropped. Empty for other scripts. */
function asciiName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/\P{ASCII}/gu, (letter) => letters[letter] ?? letter.normalize('NFD'))
    .replaceAll(/[^a-z0-9]/g, '');
}
