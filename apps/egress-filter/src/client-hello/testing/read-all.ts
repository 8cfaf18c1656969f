import type { HelloReading } from "../client-hello.ts";
import { createHelloReader } from "../read-client-hello.ts";

/** What a fresh reader says after these pieces; undefined when it wants more. */
export function readAll(pieces: readonly Buffer[]): HelloReading | undefined {
  const reader = createHelloReader();
  let reading: HelloReading | undefined;
  for (const piece of pieces) reading = reader.push(piece);
  return reading;
}

/** Cut into pieces of this size. */
export function inPieces(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

/** Cut at these places, in whatever order they come. */
export function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}
