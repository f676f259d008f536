import type { Attack } from './attack.ts'
import { fleetDoorAttack } from './fleet-doors.ts'
import { frameAttack } from './frames.ts'
import { httpAttack } from './http-fuzz.ts'
import { markupAttack } from './markup.ts'
import { originAttack } from './origins.ts'
import { patternAttack } from './patterns.ts'
import { rawFrameAttack } from './raw-frames.ts'
import { slowAttack } from './slow.ts'
import { sqlAttack } from './sql.ts'
import { tokenAttack } from './tokens.ts'

/** In the order they are run. */
export const ATTACKS: readonly Attack[] = [
  ...[tokenAttack, fleetDoorAttack, originAttack, sqlAttack, frameAttack, rawFrameAttack, httpAttack],
  ...[slowAttack, markupAttack, patternAttack],
]
