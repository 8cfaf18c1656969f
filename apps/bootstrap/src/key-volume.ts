import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Readable by the one service that mounts the volume, by its user or its group. */
export const SERVICE_ONLY = 0o440;
/** For the agent's own volume, which a user's image reads under a uid of its choice. */
export const EVERYBODY_IN_THE_CONTAINER = 0o444;

/** One service's volume. Files appear whole or not at all, so a crash between two steps leaves no half key. */
export class KeyVolume {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  read(name: string): string | undefined {
    const path = join(this.#directory, name);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  }

  write(name: string, content: string, mode: number = SERVICE_ONLY): void {
    const path = join(this.#directory, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    const temporary = `${path}.new`;
    const file = openSync(temporary, "w", mode);
    writeSync(file, content);
    fsyncSync(file);
    closeSync(file);
    renameSync(temporary, path);
  }

  /** Reads a file, or makes and writes its content the first time. */
  readOrCreate(name: string, create: () => string): string {
    const existing = this.read(name);
    if (existing !== undefined && existing !== "") return existing;
    const made = create();
    this.write(name, made);
    return made;
  }
}
