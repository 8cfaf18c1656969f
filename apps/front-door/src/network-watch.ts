import type { NetworkInterfaceInfo } from "node:os";

export type Interfaces = Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>;

/** Whether no interface beyond loopback is left. */
export function hasOnlyLoopback(interfaces: Interfaces): boolean {
  return Object.values(interfaces).every((addresses) => (addresses ?? []).every(({ internal }) => internal));
}

export interface NetworkWatch {
  readonly readInterfaces: () => Interfaces;
  readonly onLost: () => void;
  readonly everyMs: number;
}

/**
 * We live in the network namespace of another container. When that one restarts, it gets a new namespace
 * and ours keeps only loopback, while everything still looks healthy from inside: so look, and say so once.
 */
export function watchNetwork({ readInterfaces, onLost, everyMs }: NetworkWatch): () => void {
  const timer = setInterval(() => {
    if (!hasOnlyLoopback(readInterfaces())) return;
    clearInterval(timer);
    onLost();
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
