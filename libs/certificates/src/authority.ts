import "reflect-metadata";
import { webcrypto } from "node:crypto";
import type { ServiceName } from "@claws/contracts";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
/** Clocks of a laptop that slept may lag: a certificate is valid from yesterday on. */
const BACKDATE_MS = DAY_MS;

/** A certificate and its private key, both PEM. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Makes the stack's own certificate authority (RFC 5280), good for ten years. */
export async function createAuthority(): Promise<IssuedCertificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=Sandbox Claws",
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - BACKDATE_MS),
    notAfter: new Date(Date.now() + 3_650 * DAY_MS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: await exportKey(keys.privateKey) };
}

/** Where a service can be reached: its name on each network, and loopback for tests and probes. */
function hostNamesOf(service: ServiceName): string[] {
  return [
    service,
    ...["agent", "control", "launch", "operator"].map((network) => `${service}.${network}`),
    "localhost",
  ];
}

/** Issues a service's certificate, for both ends of mutual TLS; the subject is the service's name. */
export async function issueServiceCertificate(
  authority: IssuedCertificate,
  service: ServiceName,
  lifetimeDays = 730,
): Promise<IssuedCertificate> {
  const issuer = new X509Certificate(authority.certificate);
  const signingKey = await webcrypto.subtle.importKey(
    "pkcs8",
    PemConverter.decodeFirst(authority.privateKey),
    ALGORITHM,
    false,
    ["sign"],
  );
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${service}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - BACKDATE_MS),
    notAfter: new Date(Date.now() + lifetimeDays * DAY_MS),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([
        ...hostNamesOf(service).map((value) => ({ type: "dns" as const, value })),
        { type: "ip", value: "127.0.0.1" },
      ]),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: await exportKey(keys.privateKey) };
}

/** Whether a certificate should be issued anew: it ends within `marginDays`, or another authority made it. */
export async function isCertificateDue(
  pem: string,
  authority: IssuedCertificate,
  marginDays = 180,
): Promise<boolean> {
  const certificate = new X509Certificate(pem);
  if (certificate.notAfter.getTime() < Date.now() + marginDays * DAY_MS) return true;
  const issuer = new X509Certificate(authority.certificate);
  return !(await certificate.verify({ publicKey: issuer.publicKey, signatureOnly: true }));
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
