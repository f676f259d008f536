import type { Attack } from './attack.ts'
import { fleetDoorAttack } from './fleet-doors.ts'
import { floodAttack } from './floods.ts'
import { frameAttack } from './frames.ts'
import { httpAttack } from './http-fuzz.ts'
import { markupAttack } from './markup.ts'
import { originAttack } from './origins.ts'
import { passwordAttack } from './passwords.ts'
import { patternAttack } from './patterns.ts'
import { rawFrameAttack } from './raw-frames.ts'
import { refreshAttack } from './refresh.ts'
import { slowAttack } from './slow.ts'
import { sqlAttack } from './sql.ts'
import { strangerAttack } from './strangers.ts'
import { tokenAttack } from './tokens.ts'

/** In the order they are run. */
export const ATTACKS: readonly Attack[] = [
  ...[tokenAttack, refreshAttack, fleetDoorAttack, originAttack, strangerAttack, sqlAttack, passwordAttack],
  ...[frameAttack, rawFrameAttack, httpAttack, slowAttack, markupAttack, floodAttack, patternAttack],
]
