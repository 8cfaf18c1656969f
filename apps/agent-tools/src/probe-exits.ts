/**
 * Tries every way out of the agent's container but the three doors and prints one JSON line each; exit
 * code 1 when one is open. Arguments: `--address host:port` (repeatable), `--gateway-port n` (repeatable).
 */
import { parseArgs } from "node:util";
import { type ExitAttempt, readGateways, tryDns, tryTcp, tryUdp } from "./exits.ts";

const { values } = parseArgs({
  options: {
    address: { type: "string", multiple: true, default: [] },
    "gateway-port": { type: "string", multiple: true, default: [] },
  },
});
const gateways = readGateways();
const addresses = values.address.map((address) => {
  const separator = address.lastIndexOf(":");
  return { host: address.slice(0, separator), port: Number(address.slice(separator + 1)) };
});
const attempts: Promise<ExitAttempt>[] = [
  ...addresses.map(({ host, port }) => tryTcp(host, port)),
  ...gateways.flatMap((gateway) =>
    [22, 53, 80, 2375, ...values["gateway-port"].map(Number)].map((port) => tryTcp(gateway, port)),
  ),
  ...gateways.map((gateway) => tryUdp(gateway, 53)),
  ...gateways.map((gateway) => tryDns("exit.claws.invalid", gateway)),
  tryDns("exit.claws.invalid"),
];
const results = await Promise.all(attempts);
for (const result of results) process.stdout.write(`${JSON.stringify(result)}\n`);
process.exitCode = results.some(({ open }) => open) ? 1 : 0;
