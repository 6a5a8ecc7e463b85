/** Reads the XML that AWS answers with: elements and texts, no attributes of interest, no mixed content. */

export interface XmlElement {
  name: string;
  children: XmlElement[];
  text: string;
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The root element. Throws where tags do not pair. */
export function parseXml(xml: string): XmlElement {
  const root: XmlElement = { name: '', children: [], text: '' };
  const open = [root];
  for (const [, closing, name = '', empty, text] of xml.matchAll(/<(\/?)([\w:]+)[^>]*?(\/?)>|([^<]+)/g)) {
    const current = open.at(-1) ?? root;
    if (text !== undefined) current.text += decode(text);
    else if (closing === '/') {
      if (open.length < 2 || current.name !== name) throw new Error(`The XML closes ${name} inside ${current.name}.`);
      open.pop();
    } else {
      const element = { name, children: [], text: '' };
      current.children.push(element);
      if (empty !== '/') open.push(element);
    }
  }
  const [element, ...others] = root.children;
  if (element === undefined || others.length > 0 || open.length > 1)
    throw new Error('The XML is not one whole element.');
  return element;
}

function decode(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|(\w+));/g, (_all, code: string | undefined, name: string | undefined) =>
    code === undefined ? (entities[name ?? ''] ?? '') : String.fromCodePoint(Number(code)),
  );
}
