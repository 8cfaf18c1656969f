import type { ServiceName } from "@claws/contracts";
import type { ServiceIdentity } from "@claws/service-kit";
import { createAuthority, issueServiceCertificate } from "./authority.ts";

/** Certificates of one throw-away stack in memory: what tests give to the services that they start. */
export async function createStackIdentities(): Promise<(service: ServiceName) => Promise<ServiceIdentity>> {
  const authority = await createAuthority();
  return async (service) => {
    const { certificate, privateKey } = await issueServiceCertificate(authority, service);
    return {
      cert: Buffer.from(certificate),
      key: Buffer.from(privateKey),
      ca: Buffer.from(authority.certificate),
    };
  };
}
