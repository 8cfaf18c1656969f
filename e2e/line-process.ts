import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A program in a container that answers each line with a line, for as long as a test file asks. */
export interface LineProcess {
  ask(line: string): Promise<unknown>;
  end(): void;
}

/** Runs JavaScript in a container: `answer(line)` of the script is what is asked, its JSON what comes back. */
export function startLineProcess(container: string, script: string): LineProcess {
  const loop = `
    import { createInterface } from "node:readline";
    for await (const line of createInterface({ input: process.stdin }))
      process.stdout.write(JSON.stringify(await answer(line)) + "\\n");`;
  const node = ["/usr/local/bin/node", "--input-type=module", "-e", script + loop];
  const child = spawn("docker", ["exec", "-i", container, ...node], { stdio: ["pipe", "pipe", "pipe"] });
  const waiting: PromiseWithResolvers<unknown>[] = [];
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.resolve(JSON.parse(line)));
  child.on("close", () => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`the program ended: ${complaint}`));
  });
  return {
    ask(line) {
      const answer = Promise.withResolvers<unknown>();
      waiting.push(answer);
      child.stdin.write(`${line}\n`);
      return answer.promise;
    },
    end: () => child.stdin.end(),
  };
}

/** Asks a host of compose.origins.yml what arrived there since the last time. */
export function listenIn(container: string): LineProcess {
  return startLineProcess(
    container,
    `
    import { connect } from "node:net";
    const answer = async () => {
      const socket = connect({ host: "127.0.0.1", port: 9000 });
      socket.write("take\\n");
      let text = "";
      for await (const chunk of socket) text += chunk;
      return JSON.parse(text);
    };`,
  );
}
