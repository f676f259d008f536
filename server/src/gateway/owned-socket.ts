import type { Socket } from 'node:net'

/**
 * Who has to do with a connection: first whoever reads the handshake, then the client's line. One set of listeners serves all of
 * them and all connections: five closures for each would be more than all else that is kept of an idle client.
 */
export interface SocketOwner {
  data(socket: Socket, chunk: Buffer): void
  /** What was written has left this process. */
  drained(socket: Socket): void
  /** The other side sends nothing more. */
  ended(socket: Socket): void
  closed(socket: Socket): void
}

const OWNER = Symbol('owner')
interface Owned extends Socket {
  [OWNER]?: SocketOwner
}

/** From now on what happens on the socket is told to `owner` and nobody else. */
export function own(socket: Socket, owner: SocketOwner): void {
  const owned: Owned = socket
  const isNew = owned[OWNER] === undefined
  owned[OWNER] = owner
  if (!isNew) return
  socket.on('data', onData)
  socket.on('drain', onDrain)
  socket.on('end', onEnd)
  socket.on('error', onError)
  socket.on('close', onClose)
}

/** Leaves the socket as it was found. */
export function disown(socket: Socket): void {
  delete (socket as Owned)[OWNER]
  socket.off('data', onData)
  socket.off('drain', onDrain)
  socket.off('end', onEnd)
  socket.off('error', onError)
  socket.off('close', onClose)
}

/** Nobody listens any more: what still comes is read over. */
export const NOBODY: SocketOwner = { data() {}, drained() {}, ended() {}, closed() {} }

function onData(this: Owned, chunk: Buffer): void {
  this[OWNER]?.data(this, chunk)
}
function onDrain(this: Owned): void {
  this[OWNER]?.drained(this)
}
function onEnd(this: Owned): void {
  this[OWNER]?.ended(this)
}
function onClose(this: Owned): void {
  this[OWNER]?.closed(this)
}
/** It is destroyed by itself; without a listener a client that resets the line would end the process. */
function onError(): void {}
