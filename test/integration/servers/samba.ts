/**
 * Samba as Active Directory domain controller, LDAPS only. Its ports are fixed, so that each one has a loopback address
 * of its own. Making the domain takes most of the time: it is made once, kept in the cache folder, and copied.
 */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { makeSelfSigned } from '../../../sandbox/self-signed.ts';
import { PlainError, type Say, size } from '../../../scripts/stack/step.ts';
import {
  findCommand,
  installedAt,
  installSystemPackages,
  makeWhole,
  runTool,
  sizeOfFolder,
} from '../support/installing.ts';
import type { IntegrationServer, RunningServer } from '../support/integration-server.ts';
import { acceptsTls } from '../support/ldap-admin.ts';
import { newServerFolder, startServerProcess } from '../support/server-process.ts';

export interface RunningSamba extends RunningServer {
  ca: string;
  baseDn: string;
  domain: string;
  admin: { dn: string; password: string };
}

// vfs: making the domain sets access lists on its files.
const packages = ['samba', 'samba-ad-provision', 'samba-dsdb-modules', 'samba-vfs-modules'];
const realm = 'CORP.EXAMPLE';
const baseDn = 'DC=corp,DC=example';
const admin = { dn: `Administrator@${realm.toLowerCase()}`, password: 'Passw0rd!Usher' };
/** The domain as made; its name changes with what makes it. */
const kept = installedAt('samba-domain-1');
const isMade = (): boolean => existsSync(join(kept, 'private', 'sam.ldb'));
const samba = (): string | null => findCommand('samba');

export const sambaServer: IntegrationServer<RunningSamba> = {
  name: 'samba',
  title: 'Samba Active Directory',
  // Ports below 1024, which only root may open.
  isInstalled: () => process.getuid?.() === 0 && samba() !== null && isMade(),
  install,
  start,
};

async function install(say: Say): Promise<string> {
  if (process.getuid?.() !== 0) throw new PlainError('Samba listens on port 636: run the integration tests as root.');
  if (samba() === null || !existsSync('/usr/share/samba/setup')) {
    say('Samba: installing system packages …');
    await installSystemPackages(packages);
  }
  if (!isMade()) {
    say('Samba: making a domain, about 10 seconds …');
    await makeWhole(kept, provision);
  }
  return `${kept}, ${size(sizeOfFolder(kept))}`;
}

async function provision(draft: string): Promise<void> {
  // An empty configuration keeps the packaged one, and with it the system's folders, out of the domain.
  const base = join(draft, 'base.conf');
  writeFileSync(base, '');
  await runTool('samba-tool', [
    'domain',
    'provision',
    `--configfile=${base}`,
    '--quiet',
    `--targetdir=${draft}`,
    '--server-role=dc',
    `--realm=${realm}`,
    '--domain=CORP',
    '--host-name=dc1',
    '--host-ip=127.77.0.1',
    '--dns-backend=NONE',
    `--adminpass=${admin.password}`,
  ]);
}

async function start(): Promise<RunningSamba> {
  const address = await freeAddress();
  const dir = newServerFolder('samba');
  cpSync(kept, join(dir, 'dc'), { recursive: true });
  for (const name of ['run', 'dc/cache']) mkdirSync(join(dir, name), { recursive: true });
  const tls = makeSelfSigned([address], new Date());
  // Samba refuses a key that others can read.
  writeFileSync(join(dir, 'key.pem'), tls.key, { mode: 0o600 });
  writeFileSync(join(dir, 'cert.pem'), tls.cert);
  writeFileSync(join(dir, 'smb.conf'), configOf(dir, address));
  const url = `ldaps://${address}:636`;
  const running = await startServerProcess(
    'samba',
    {
      command: samba() ?? 'samba',
      args: [
        `--configfile=${join(dir, 'smb.conf')}`,
        '--foreground',
        '--no-process-group',
        '--model=single',
        '--debug-stdout',
      ],
      isReady: () => acceptsTls(url, tls.cert),
    },
    dir,
  );
  return { url, ca: tls.cert, baseDn, domain: realm.toLowerCase(), admin, stop: () => running.stop() };
}

async function freeAddress(): Promise<string> {
  for (let last = 1; last < 255; last += 1) {
    const address = `127.77.0.${last}`;
    if (!(await isTaken(address))) return address;
  }
  throw new PlainError('No loopback address 127.77.0.N has a free port 636.');
}

function isTaken(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 636 });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

// Nothing here must outlive the power ("nosync"), and that makes it several times as fast.
// "old password allowed period" keeps its value: an hour, as in Active Directory, so that the trap is there.
const configOf = (dir: string, address: string): string => `[global]
  netbios name = DC1
  realm = ${realm}
  workgroup = CORP
  server role = active directory domain controller
  server services = ldap
  private dir = ${dir}/dc/private
  state directory = ${dir}/dc/state
  cache directory = ${dir}/dc/cache
  lock directory = ${dir}/dc
  binddns dir = ${dir}/dc/bind-dns
  pid directory = ${dir}/run
  ncalrpc dir = ${dir}/run/ncalrpc
  ntp signd socket directory = ${dir}/run/ntp_signd
  winbindd socket directory = ${dir}/run/winbindd
  logging = file
  log file = ${dir}/log.%m
  interfaces = ${address}/8
  bind interfaces only = yes
  disable netbios = yes
  ldb:nosync = true
  ldap server require strong auth = yes
  tls enabled = yes
  tls certfile = ${dir}/cert.pem
  tls keyfile = ${dir}/key.pem
  tls cafile =
  tls priority = NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2:+VERS-TLS1.3
`;
