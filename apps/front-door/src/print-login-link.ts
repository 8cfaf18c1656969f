import { readConfig } from "@claws/service-kit";
import { createLoginTokenStore } from "./login-token-store.ts";
import { Settings } from "./settings.ts";

interface Output {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/**
 * The command `login-link`: whoever may exec into this container has rights on the engine, and so may log
 * in. The token is in the fragment, which browsers never send, so that it reaches no log.
 */
export async function printLoginLink(env: NodeJS.ProcessEnv, { stdout, stderr }: Output): Promise<number> {
  try {
    const { STATE_DIR, LOGIN_URL } = readConfig(Settings, env);
    const issued = await createLoginTokenStore({ directory: STATE_DIR }).issue();
    if (!issued.ok) {
      stderr.write(`front-door: ${issued.reason}\n`);
      return 1;
    }
    stdout.write(`${LOGIN_URL}#${issued.token}\n`);
    return 0;
  } catch (error) {
    stderr.write(`front-door: no login link: ${(error as Error).message}\n`);
    return 1;
  }
}
