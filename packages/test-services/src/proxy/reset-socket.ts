// SPDX-License-Identifier: Apache-2.0
import type { Socket } from "node:net";

/**
 * Closes a connection with a reset, at once and with nothing before it. `resetAndDestroy` ends the stream first:
 * its peer then sees an orderly end before the reset, and while written bytes wait it sees neither. This sets the
 * same mark on the socket and skips the end; the tests of the proxy would notice a Node without that mark.
 *
 * While an orderly end is on its way to the system, the system refuses the reset, and the connection would stay open
 * for good. That takes one turn, so the reset comes right after it.
 */
export function resetSocket(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding && !socket.connecting && !socket.destroyed) {
    socket.once("finish", () => resetSocket(socket));
    return;
  }
  if (!socket.connecting) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
