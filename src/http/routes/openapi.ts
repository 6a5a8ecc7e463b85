/** The OpenAPI document, for whoever has any token: the API is no secret, and nothing here is anonymous without need. */
import type { HttpDeps } from '../app-types.ts';
import { openApiDocument, type OpenApiDocument } from '../openapi/document.ts';
import type { Router } from '../router.ts';

export function openApiRoutes(router: Router, deps: HttpDeps): void {
  let document: OpenApiDocument | undefined;
  router.guarded('GET /api/v1/openapi.json', (c) => {
    document ??= openApiDocument(deps.publicUrl);
    return c.json(document);
  });
}
