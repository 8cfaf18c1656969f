import type { IssuedCertificate } from "@claws/certificates";
import { ConfigError, readSecretFile } from "@claws/service-kit";
import * as z from "zod";

const StoredAuthority = z.strictObject({ certificate: z.string(), privateKey: z.string() });

/** Reads what bootstrap made (`inspection-ca.json`). Throws ConfigError, which never quotes the file. */
export function readInspectionAuthority(path: string): IssuedCertificate {
  let document: unknown;
  try {
    document = JSON.parse(readSecretFile(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const parsed = StoredAuthority.safeParse(document);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    `${path} is not the authority of TLS inspection: remove it and run './claws up <profile>'`,
  );
}
