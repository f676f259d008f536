import type { Connection } from '@flotilla/protocol/client/connection.ts'

/** What a person is told about the line, and how loudly: `calm` is a dot, `busy` a word, `lost` needs the person. */
export interface Story {
  readonly mood: 'calm' | 'busy' | 'lost'
  readonly words: string
  /** `host:port` of the server one is on, or was on last. */
  readonly server?: string
  /** Lasts long enough to be worth a sentence where one writes. */
  readonly isLong: boolean
  /** What pressing the button does, where there is one. */
  readonly remedy?: 'retry' | 'sign_in'
}

export interface StoryFacts {
  readonly connection: Connection
  /** Where one was live last; undefined = never yet. */
  readonly lastServer: string | undefined
  /** One came to another server a moment ago. */
  readonly hasJustMoved: boolean
  /** One has been without a line for more than a moment. */
  readonly isLong: boolean
  readonly isOnline: boolean
  /** The balancer answered that no server takes clients. */
  readonly hasNoServer: boolean
}

/** Failures after which one is told more than "reconnecting". */
const PATIENCE = 4

export function tellStory(facts: StoryFacts): Story {
  const { connection, lastServer, hasJustMoved, isLong, isOnline, hasNoServer } = facts
  const known = lastServer === undefined ? {} : { server: lastServer }
  switch (connection.status) {
    case 'live': {
      const server = hostOf(connection.url)
      return { mood: 'calm', words: hasJustMoved ? `Moved to ${server}` : 'Live', isLong: false, server }
    }
    case 'closed':
      return closedStory(connection.code)
    case 'locating':
    case 'opening':
    case 'waiting': {
      if (!isOnline) return { ...known, isLong: true, mood: 'lost', words: 'You are offline' }
      if ('place' in connection && connection.place !== undefined) {
        const words = `All servers are full: you are number ${connection.place} in line`
        return { ...known, isLong: true, mood: 'busy', words }
      }
      if (hasNoServer)
        return { ...known, isLong: true, mood: 'lost', words: 'No chat server is free', remedy: 'retry' }
      if (connection.attempt >= PATIENCE && connection.status === 'waiting')
        return { ...known, isLong: true, mood: 'lost', words: 'The fleet does not answer', remedy: 'retry' }
      return {
        ...known,
        isLong,
        mood: 'busy',
        words: lastServer === undefined ? 'Connecting…' : 'Reconnecting…',
      }
    }
  }
}

function closedStory(code: number): Story {
  switch (code) {
    case 4401:
      return { mood: 'lost', words: 'Your sign-in has ended', isLong: true, remedy: 'sign_in' }
    case 4403:
      return { mood: 'lost', words: 'You were removed', isLong: true, remedy: 'sign_in' }
    default:
      return { mood: 'lost', words: 'Disconnected', isLong: true, remedy: 'sign_in' }
  }
}

/** `ws://127.0.0.1:8080/ws` → `127.0.0.1:8080` */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}
