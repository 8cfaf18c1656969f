export {
  createAuthority,
  isCertificateDue,
  type IssuedCertificate,
  issueServiceCertificate,
} from "./authority.ts";
export { createInspectionAuthority, issueHostCertificate } from "./inspection-authority.ts";
export { createStackIdentities } from "./stack-identities.ts";
