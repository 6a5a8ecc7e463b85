/**
 * PATCH as the sandbox's SCIM servers understand it: which forms are taken depends on the quirks; the change itself
 * is made by `scim-patch`.
 */
import { scimPatch, type ScimPatchOperation, type ScimResource } from 'scim-patch';
import { z } from 'zod';
import type { SandboxContext } from './kit.ts';
import { ScimRefusal } from './scim-http.ts';
import type { ScimQuirks } from './scim-quirks.ts';

const PatchBody = z.object({
  schemas: z.array(z.literal('urn:ietf:params:scim:api:messages:2.0:PatchOp')).min(1),
  Operations: z
    .array(
      z.object({
        op: z
          .string()
          .toLowerCase()
          .pipe(z.enum(['add', 'remove', 'replace'])),
        path: z.string().optional(),
        value: z.unknown().optional(),
      }),
    )
    .min(1),
});
type Operation = z.infer<typeof PatchBody>['Operations'][number];

/** Throws where the body says that it is of a type that the server does not take. */
export function requireMediaType(c: SandboxContext, { takesJsonOnly }: ScimQuirks): void {
  const type = c.req.header('content-type') ?? '';
  if (takesJsonOnly && !/^application\/json\b/i.test(type)) {
    throw new ScimRefusal(415, null, 'The body must be application/json');
  }
}

/** The resource after the operations. Throws {@link ScimRefusal}; the resource given is left as it is. */
export function applyPatch(
  resource: Record<string, unknown>,
  body: unknown,
  quirks: ScimQuirks,
): Record<string, unknown> {
  if (!quirks.patchSupported) throw new ScimRefusal(501, null, 'PATCH is not supported');
  const parsed = PatchBody.safeParse(body);
  if (!parsed.success) throw new ScimRefusal(400, 'invalidSyntax', 'The body is no PatchOp message');
  const changes = parsed.data.Operations.map(membershipChanges).reduce((sum, count) => sum + count, 0);
  if (changes > quirks.membershipChangesMax) throw new ScimRefusal(400, 'invalidValue', 'Too many membership changes');
  let patched = structuredClone(resource);
  for (const operation of parsed.data.Operations) patched = applyOperation(patched, operation, quirks);
  return patched;
}

function membershipChanges({ path, value }: Operation): number {
  if (!/^members/i.test(path ?? '')) return 0;
  return Array.isArray(value) ? value.length : 1;
}

function applyOperation(
  resource: Record<string, unknown>,
  operation: Operation,
  quirks: ScimQuirks,
): Record<string, unknown> {
  const isRemoval = operation.op === 'remove';
  if (isRemoval && /^members/i.test(operation.path ?? '')) {
    if (!isOwnRemovalForm(operation, quirks)) {
      if (quirks.wrongRemovalEmptiesGroup) return { ...resource, members: [] };
      throw new ScimRefusal(400, 'invalidPath', 'This form of removal is not supported');
    }
  } else if (quirks.patchStyle === 'path' && operation.path === undefined) {
    throw new ScimRefusal(400, 'invalidSyntax', 'The operation needs a path');
  } else if (quirks.patchStyle === 'noPath' && operation.path !== undefined && !/^members/i.test(operation.path)) {
    throw new ScimRefusal(400, 'invalidPath', 'Operations with a path are not supported');
  }
  const members = resource['members'];
  const patched = patchWithExtensions(resource, operation);
  const addsMembers = operation.op === 'add' && operation.path?.toLowerCase() === 'members';
  if (quirks.existingMember === 'duplicate' && addsMembers && Array.isArray(members)) {
    const added = Array.isArray(operation.value) ? operation.value : [operation.value];
    return { ...resource, members: [...members, ...added] };
  }
  return patched;
}

function isOwnRemovalForm({ path, value }: Operation, { memberRemoveStyle }: ScimQuirks): boolean {
  const form = path?.includes('[') ? 'filterPath' : value === undefined ? 'all' : 'valueArray';
  return memberRemoveStyle === 'any' || form === 'all' || form === memberRemoveStyle;
}

const extensionPath = /^(urn:[^[\]]*:\d+\.\d+:\w+)(?::(.+))?$/i;
const Values = z.record(z.string(), z.unknown());

/**
 * The library takes the dot of `2.0` in an extension's name for a step of a path: extensions are changed here (RFC 7644,
 * section 3.5.2), the rest is the library's.
 */
function patchWithExtensions(resource: Record<string, unknown>, operation: Operation): Record<string, unknown> {
  const [, urn, rest] = extensionPath.exec(operation.path ?? '') ?? [];
  if (urn !== undefined) return patchExtension(resource, urn, { ...operation, path: rest });
  const given = Values.safeParse(operation.value);
  if (operation.path !== undefined || operation.op === 'remove' || !given.success) return runPatch(resource, operation);
  const isExtension = (name: string): boolean => name.toLowerCase().startsWith('urn:');
  const names = Object.keys(given.data);
  const others = Object.fromEntries(names.filter((name) => !isExtension(name)).map((name) => [name, given.data[name]]));
  let patched = Object.keys(others).length === 0 ? resource : runPatch(resource, { ...operation, value: others });
  for (const name of names.filter(isExtension)) {
    patched = patchExtension(patched, name, { op: 'add', value: given.data[name] });
  }
  return patched;
}

/** One operation inside an extension, or on the whole of it when it has no path. An extension without a value is gone. */
function patchExtension(resource: Record<string, unknown>, urn: string, operation: Operation): Record<string, unknown> {
  const name = Object.keys(resource).find((key) => key.toLowerCase() === urn.toLowerCase()) ?? urn;
  const held = Values.safeParse(resource[name]).data ?? {};
  const changed = operation.path === undefined ? wholeExtension(held, operation) : runPatch(held, operation);
  const { [name]: _former, ...others } = resource;
  return Object.keys(changed).length === 0 ? others : { ...others, [name]: changed };
}

function wholeExtension(held: Record<string, unknown>, { op, value }: Operation): Record<string, unknown> {
  if (op === 'remove') return {};
  const given = Values.safeParse(value);
  if (!given.success) throw new ScimRefusal(400, 'invalidValue', 'An extension is an object');
  return op === 'add' ? { ...held, ...given.data } : given.data;
}

function runPatch(resource: Record<string, unknown>, operation: Operation): Record<string, unknown> {
  try {
    // The library types a resource with dates in its meta; it never looks at them.
    const patched: unknown = scimPatch(resource as unknown as ScimResource, [operation as ScimPatchOperation], {
      mutateDocument: false,
    });
    return patched as Record<string, unknown>;
  } catch (error) {
    const scimType = error instanceof Error && error.name === 'NoTarget' ? 'noTarget' : 'invalidPath';
    throw new ScimRefusal(400, scimType, 'The operation cannot be applied');
  }
}
