/** Addresses in the Temporal UI. */
import type { HttpDeps } from './app-types.ts';

/** The page of a workflow, or null when no UI is known. */
export function temporalLink(deps: Pick<HttpDeps, 'temporal'>, workflowId: string): string | null {
  const { uiUrl, namespace } = deps.temporal ?? { uiUrl: null, namespace: '' };
  if (uiUrl === null) return null;
  const path = `/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return `${uiUrl.replace(/\/$/, '')}${path}`;
}
