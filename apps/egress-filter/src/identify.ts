import type { Logger } from "@claws/service-kit";
import type { CallerVerdict, ProxyAuthentication } from "./identity/proxy-authentication.ts";
import type { Identify, IdentityVerdict } from "./pipeline.ts";

/** One answer for every fault: what is wrong with credentials is for our log, not for whoever sent them. */
export const UNKNOWN_CALLER: IdentityVerdict = {
  ok: false,
  detail: "the proxy credentials are missing or not valid: use HTTP_PROXY as it is set in this container",
};

/** Reads who asks from the one `Proxy-Authorization` header of a request. */
export function createIdentify(authenticate: ProxyAuthentication, logger: Logger): Identify {
  function judge(verdict: CallerVerdict): IdentityVerdict {
    if (verdict.ok) return verdict;
    logger.warn({ detail: verdict.detail }, "proxy credentials refused");
    return UNKNOWN_CALLER;
  }
  return function identify({ headers }) {
    const sent = headers("proxy-authorization");
    if (sent.length > 1) return judge({ ok: false, detail: "two Proxy-Authorization headers" });
    const verdict = authenticate(sent[0]);
    return verdict instanceof Promise ? verdict.then(judge) : judge(verdict);
  };
}
