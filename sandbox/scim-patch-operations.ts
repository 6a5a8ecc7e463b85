/**
 * PATCH as the sandbox's SCIM servers understand it: which forms are taken depends on the quirks; the change itself
 * is made by `scim-patch`.
 */
import { scimPatch, type ScimPatchOperation, type ScimResource } from 'scim-patch';
import { z } from 'zod';
import { ScimRefusal } from './scim-http.ts';
import type { ScimQuirks } from './scim-state.ts';

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

/** The resource after the operations. Throws {@link ScimRefusal}; the resource given is left as it is. */
export function applyPatch(
  resource: Record<string, unknown>,
  body: unknown,
  quirks: ScimQuirks,
): Record<string, unknown> {
  const parsed = PatchBody.safeParse(body);
  if (!parsed.success) throw new ScimRefusal(400, 'invalidSyntax', 'The body is no PatchOp message');
  let patched = structuredClone(resource);
  for (const operation of parsed.data.Operations) patched = applyOperation(patched, operation, quirks);
  return patched;
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
  const patched = runPatch(resource, operation);
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
