/**
 * What a SCIM server says of itself: ServiceProviderConfig, ResourceTypes, Schemas. Methods that a path does not take are 405.
 * https://www.rfc-editor.org/rfc/rfc7644#section-4
 */
import type { SandboxContext, VendorKit } from './kit.ts';
import { scimBaseOf, scimError, scimJson } from './scim-http.ts';
import type { ScimQuirks } from './scim-quirks.ts';
import { scimSchemas } from './scim-schemas.ts';
import { enterpriseSchema, groupSchema, scimBasePath, userSchema } from './scim-state.ts';

export function addScimDiscoveryRoutes({ app }: VendorKit, quirks: ScimQuirks): void {
  app.get(`${scimBasePath}/ServiceProviderConfig`, (c) => scimJson(c, 200, providerConfig(quirks, scimBaseOf(c))));
  // RFC 7644, section 3.12: searching several types at once is not implemented, as at most servers.
  app.post(`${scimBasePath}/.search`, (c) =>
    scimError(c, 501, null, 'Searching several resource types is not supported'),
  );
  addCollection(app, 'ResourceTypes', (c) => resourceTypes(scimBaseOf(c)));
  addCollection(app, 'Schemas', (c) =>
    scimSchemas.map((schema) => ({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
      ...schema,
      meta: { resourceType: 'Schema', location: `${scimBaseOf(c)}/Schemas/${schema.id}` },
    })),
  );
  for (const name of ['ServiceProviderConfig', 'ResourceTypes', 'Schemas']) {
    app.on(['POST', 'PUT', 'PATCH', 'DELETE'], [`${scimBasePath}/${name}`, `${scimBasePath}/${name}/:id`], (c) =>
      scimError(c, 405, null, 'This resource is read-only'),
    );
  }
}

function addCollection(
  app: VendorKit['app'],
  name: string,
  resourcesOf: (c: SandboxContext) => ({ id: string } & object)[],
): void {
  app.get(`${scimBasePath}/${name}`, (c) => {
    // RFC 7644, section 4: a filter must be refused, so that nobody takes what it leaves for everything.
    if (c.req.query('filter') !== undefined) return scimError(c, 403, null, 'Filters are not supported here');
    const resources = resourcesOf(c);
    return scimJson(c, 200, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
      totalResults: resources.length,
      startIndex: 1,
      itemsPerPage: resources.length,
      Resources: resources,
    });
  });
  app.get(`${scimBasePath}/${name}/:id`, (c) => {
    const wanted = c.req.param('id')?.toLowerCase();
    const resource = resourcesOf(c).find(({ id }) => id.toLowerCase() === wanted);
    return resource === undefined ? scimError(c, 404, null, 'There is no such resource') : scimJson(c, 200, resource);
  });
}

function providerConfig(quirks: ScimQuirks, base: string): object {
  const isFiltering = quirks.usersFilterBy !== 'ignored';
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: quirks.patchSupported },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: isFiltering, maxResults: quirks.pageMax },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: quirks.etag !== 'none' },
    ...(quirks.paging === 'cursor' ? { pagination: { cursor: true, index: false, maxPageSize: quirks.pageMax } } : {}),
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'OAuth Bearer Token',
        description: 'A bearer token in the Authorization header',
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

function resourceTypes(base: string): { id: string }[] {
  const schemaOf = { User: userSchema, Group: groupSchema };
  return (['User', 'Group'] as const).map((name) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    description: `${name} account`,
    endpoint: `/${name}s`,
    schema: schemaOf[name],
    ...(name === 'User' ? { schemaExtensions: [{ schema: enterpriseSchema, required: false }] } : {}),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  }));
}
