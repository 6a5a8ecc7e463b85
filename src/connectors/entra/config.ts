/** What a system of Microsoft Entra ID is configured with. */
import { z } from 'zod';

const origin = z.url({ protocol: /^https?$/ });

export const EntraConfig = z.strictObject({
  tenantId: z
    .string()
    .regex(/^[A-Za-z0-9.-]+$/)
    .describe('Directory (tenant) ID; on the overview page of the app registration'),
  clientId: z.guid().describe('Application (client) ID; on the overview page of the app registration'),
  credential: z
    .string()
    .min(1)
    .describe(
      'PEM text with the private key and the certificate that was uploaded to the app registration (recommended), or a client secret',
    ),
  personIdAttribute: z
    .number()
    .int()
    .min(1)
    .max(15)
    .default(15)
    .describe(
      'Number of the extension attribute (1 to 15) that is free to carry the person id; ask whoever runs Exchange',
    ),
  url: origin
    .default('https://graph.microsoft.com')
    .describe('Origin of Microsoft Graph; another one in national clouds, such as https://graph.microsoft.us'),
  loginUrl: origin
    .default('https://login.microsoftonline.com')
    .describe(
      'Origin of the sign-in service; another one in national clouds, such as https://login.microsoftonline.us',
    ),
});
export type EntraConfig = z.infer<typeof EntraConfig>;

/** The property of `onPremisesExtensionAttributes` that holds personId. */
export function slotOf({ personIdAttribute }: EntraConfig): string {
  return `extensionAttribute${personIdAttribute}`;
}
