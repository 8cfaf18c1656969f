/** One server's part of the pool: 16 addresses, of which egress-filter has a fixed one. */
export interface ToolSubnet {
  /** `10.214.0.16/28` */
  readonly cidr: string;
  /** Where a bridge's own address would be; nothing answers there. */
  readonly gateway: string;
  readonly filter: string;
  /** The half that the engine gives out by itself, so that the fixed address stays free. */
  readonly dynamic: string;
}

const PREFIX = 28;
const SIZE = 2 ** (32 - PREFIX);

interface Range {
  readonly first: number;
  readonly size: number;
}

/** Whether the text is an IPv4 network in its canonical form that has room for at least one server. */
export function isToolPool(text: string): boolean {
  const range = readRange(text);
  return range !== undefined && range.size >= SIZE && range.first % range.size === 0;
}

/** The parts of the pool that no network in `used` overlaps, in order. Ranges of IPv6 are passed over. */
export function* freeToolSubnets(pool: string, used: readonly string[]): Generator<ToolSubnet> {
  const range = readRange(pool);
  if (range === undefined) return;
  const taken = used.flatMap((text) => readRange(text) ?? []);
  for (let first = range.first; first + SIZE <= range.first + range.size; first += SIZE) {
    if (taken.some((other) => first < other.first + other.size && other.first < first + SIZE)) continue;
    yield {
      cidr: `${formatAddress(first)}/${PREFIX}`,
      gateway: formatAddress(first + 1),
      filter: formatAddress(first + 2),
      dynamic: `${formatAddress(first + SIZE / 2)}/${PREFIX + 1}`,
    };
  }
}

function readRange(text: string): Range | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return undefined;
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = parts;
  if (Math.max(a, b, c, d) > 255 || prefix > 32) return undefined;
  return { first: ((a * 256 + b) * 256 + c) * 256 + d, size: 2 ** (32 - prefix) };
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
