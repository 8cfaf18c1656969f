import { isLoopback } from "./engine-judgement.ts";

/** Whether a resolv.conf(5) names a server on a loopback address, as systemd-resolved's does. */
export function namesLoopback(resolvConf: string): boolean {
  return resolvConf
    .split("\n")
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .some((address) => address !== undefined && isLoopback(address));
}
