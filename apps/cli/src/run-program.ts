import { spawn } from "node:child_process";

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Called with each line of standard output as it arrives. */
  readonly onLine?: (line: string) => void;
}

/** Runs a program without a shell and gives what it printed. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { cwd, env, input, timeoutMs, onLine } = options;
  const child = spawn(command, [...args], { cwd, env, stdio: ["pipe", "pipe", "pipe"], timeout: timeoutMs });
  let stdout = "";
  let stderr = "";
  let line = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (onLine === undefined) return;
    const lines = (line + text).split("\n");
    line = lines.pop() ?? "";
    lines.forEach(onLine);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", (error: NodeJS.ErrnoException) => {
    // A program that ends before it read its input is judged by its exit code.
    if (error.code !== "EPIPE") throw error;
  });
  child.stdin.end(input);
  const { promise, resolve } = Promise.withResolvers<number>();
  child.on("error", (error) => {
    stderr += error.message;
    resolve(127);
  });
  child.on("close", (code) => resolve(code ?? 1));
  const code = await promise;
  if (onLine !== undefined && line !== "") onLine(line);
  return { code, stdout, stderr };
}

/** Runs a program on the user's own terminal; resolves to its exit code. */
export async function runInteractive(
  command: string,
  args: readonly string[],
  options: Pick<ProgramOptions, "cwd" | "env"> = {},
): Promise<number> {
  const child = spawn(command, [...args], { ...options, stdio: "inherit" });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on("error", reject);
  child.on("close", (code) => resolve(code ?? 1));
  return promise;
}
