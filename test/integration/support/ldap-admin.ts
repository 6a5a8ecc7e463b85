/** How the integration tests look into a directory past the connector: as its administrator, and as a person who logs in. */
import { connect } from 'node:tls';
import { Client, InvalidCredentialsError } from 'ldapts';

export interface LdapPlace {
  url: string;
  ca: string;
}

/** Whether something there completes a TLS handshake now. */
export function acceptsTls(url: string, ca: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 636), ca: [ca], timeout: 2_000 });
    const end = (isUp: boolean): void => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once('secureConnect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

/** A connection that is bound; the caller unbinds it. */
export async function bindAs({ url, ca }: LdapPlace, dn: string, password: string): Promise<Client> {
  const client = new Client({ url, tlsOptions: { ca: [ca] } });
  try {
    await client.bind(dn, password);
    return client;
  } catch (error) {
    await client.unbind();
    throw error;
  }
}

/** Whether a person can log in with that password now; any other failure is thrown. */
export async function canBind(place: LdapPlace, dn: string, password: string): Promise<boolean> {
  try {
    await (await bindAs(place, dn, password)).unbind();
    return true;
  } catch (error) {
    if (error instanceof InvalidCredentialsError) return false;
    throw error;
  }
}
