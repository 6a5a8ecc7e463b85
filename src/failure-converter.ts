/**
 * How failures travel: message and stack go through the payload codec, like everything that explains; what stays in clear
 * is the type, which is a closed error code. Worker and workflow bundle both load this file by its path.
 */
import { DefaultFailureConverter } from '@temporalio/common';

/** The SDK looks for this name. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
