import type { HttpDeps } from '../app-types.ts';
import type { Router } from '../router.ts';
export function policyTrialRoutes(_router: Router, _deps: HttpDeps): void {}
