/** OpenLDAP's slapd, LDAPS only, with the overlays of a company: memberOf, refint, unique, password policy. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeSelfSigned } from '../../../sandbox/self-signed.ts';
import { PortPicker } from '../../../scripts/stack/ports.ts';
import type { Say } from '../../../scripts/stack/step.ts';
import { findCommand, installSystemPackages, runTool } from '../support/installing.ts';
import type { IntegrationServer, RunningServer } from '../support/integration-server.ts';
import { acceptsTls } from '../support/ldap-admin.ts';
import { newServerFolder, startServerProcess } from '../support/server-process.ts';

export interface RunningSlapd extends RunningServer {
  ca: string;
  suffix: string;
  admin: { dn: string; password: string };
  /** What the connector logs in as. */
  service: { dn: string; password: string };
  /** Policies with and without lockout. */
  blindPolicyDn: string;
  defaultPolicyDn: string;
}

const suffix = 'dc=corp,dc=example';
const admin = { dn: `cn=admin,${suffix}`, password: 'admin-of-the-test' };
const service = { dn: `cn=usher,ou=services,${suffix}`, password: 'usher-of-the-test' };
const blindPolicyDn = `cn=blind,ou=policies,${suffix}`;
const defaultPolicyDn = `cn=default,ou=policies,${suffix}`;
const slapd = (): string | null => findCommand('slapd');

export const slapdServer: IntegrationServer<RunningSlapd> = {
  name: 'slapd',
  title: 'OpenLDAP slapd',
  isInstalled: () => slapd() !== null && findCommand('slapadd') !== null,
  async install(say: Say) {
    say('slapd: installing the system package …');
    // A slapd that the package itself starts is not ours and not used.
    await installSystemPackages(['slapd']);
    return slapd() ?? 'not found';
  },
  start,
};

async function start(): Promise<RunningSlapd> {
  const dir = newServerFolder('slapd');
  const tls = makeSelfSigned(['127.0.0.1'], new Date());
  mkdirSync(join(dir, 'db'));
  writeFileSync(join(dir, 'key.pem'), tls.key, { mode: 0o600 });
  writeFileSync(join(dir, 'cert.pem'), tls.cert);
  const config = join(dir, 'slapd.conf');
  writeFileSync(config, configOf(dir));
  writeFileSync(join(dir, 'tree.ldif'), tree);
  await runTool(findCommand('slapadd') ?? 'slapadd', ['-q', '-f', config, '-l', join(dir, 'tree.ldif')]);
  const port = await new PortPicker().any();
  const url = `ldaps://127.0.0.1:${port}`;
  const running = await startServerProcess(
    'slapd',
    {
      command: slapd() ?? 'slapd',
      // -d 0 keeps it in the foreground.
      args: ['-d', '0', '-f', config, '-h', url],
      isReady: () => acceptsTls(url, tls.cert),
    },
    dir,
  );
  return { url, ca: tls.cert, suffix, admin, service, defaultPolicyDn, blindPolicyDn, stop: () => running.stop() };
}

const configOf = (dir: string): string => `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload unique
moduleload ppolicy
pidfile ${dir}/slapd.pid
argsfile ${dir}/slapd.args
TLSCertificateFile ${dir}/cert.pem
TLSCertificateKeyFile ${dir}/key.pem
TLSProtocolMin 3.3
disallow bind_anon
database mdb
suffix "${suffix}"
rootdn "${admin.dn}"
rootpw ${admin.password}
directory ${dir}/db
maxsize 268435456
# The shipped limit for everybody but the administrator of the server.
sizelimit 500
lastbind on
index objectClass,uid,employeeNumber,member,entryUUID eq
access to attrs=userPassword by dn.base="${service.dn}" write by self write by anonymous auth by * none
access to dn.subtree="ou=policies,${suffix}" by dn.base="${service.dn}" read by * none
access to * by dn.base="${service.dn}" write by users read by * none
overlay memberof
overlay refint
refint_attributes member memberOf
overlay unique
unique_uri ldap:///?uid?sub?(objectClass=inetOrgPerson)
overlay ppolicy
ppolicy_default "${defaultPolicyDn}"
ppolicy_use_lockout
`;

const unit = (name: string): string => `dn: ou=${name},${suffix}\nobjectClass: organizationalUnit\nou: ${name}\n`;

const tree = [
  `dn: ${suffix}\nobjectClass: organization\nobjectClass: dcObject\no: Corp\ndc: corp\n`,
  ...['people', 'groups', 'services', 'policies'].map(unit),
  `dn: ${defaultPolicyDn}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: default\npwdAttribute: userPassword\npwdLockout: TRUE\n`,
  `dn: ${blindPolicyDn}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: blind\npwdAttribute: userPassword\npwdLockout: FALSE\n`,
  `dn: ${service.dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: usher\nuserPassword: ${service.password}\n`,
].join('\n');
