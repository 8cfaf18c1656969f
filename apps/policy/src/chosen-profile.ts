import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "@claws/service-kit";
import type { ChooseSettings } from "./settings.ts";
import { writeWhole } from "./write-whole.ts";

const FILE = "chosen-profile";

/** Leaves word of the profile that is about to run. */
export function chooseProfile({ PROFILE, POLICY_DIR }: ChooseSettings): void {
  writeWhole(join(POLICY_DIR, FILE), PROFILE);
}

/** Takes the word away with reading it: a choice is good for one start, and none is left over for the next. */
export function takeChosenProfile(directory: string): string {
  const path = join(directory, FILE);
  try {
    const profile = readFileSync(path, "utf8");
    rmSync(path);
    return profile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new ConfigError(
      "no profile was chosen: start with 'docker compose --profile filtered up' or './claws up filtered'",
    );
  }
}
