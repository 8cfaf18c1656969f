import type { Socket } from "node:net";

/** A tunnel ends when its ends do; a request ends with its answer. */
export type ConnectionKind = "tunnel" | "request";

/** Room for one connection outward; it ends with the socket that is put in, or by `release`. */
export interface Place {
  readonly hold: (socket: Socket, kind: ConnectionKind) => void;
  readonly release: () => void;
}

export interface Connections {
  readonly limit: number;
  /** Undefined when all places are taken. */
  reserve(): Place | undefined;
  /** Ends all of one kind, or all. */
  closeAll(kind?: ConnectionKind): void;
}

/** Counts the connections that one door has open or is opening, and can end them all. */
export function createConnections(limit: number): Connections {
  const places = new Map<Place, { socket: Socket; kind: ConnectionKind } | undefined>();
  return {
    limit,
    reserve() {
      if (places.size >= limit) return undefined;
      const place: Place = {
        hold(socket, kind) {
          places.set(place, { socket, kind });
          socket.once("close", place.release);
          if (socket.destroyed) place.release();
        },
        release: () => void places.delete(place),
      };
      places.set(place, undefined);
      return place;
    },
    closeAll(kind) {
      for (const held of places.values())
        if (kind === undefined || held?.kind === kind) held?.socket.destroy();
    },
  };
}
