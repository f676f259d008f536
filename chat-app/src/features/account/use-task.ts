import { useState } from 'react'
import type { ApiProblem } from '@/balancer/api'

/** One thing that is asked of the balancer at a time, with what went wrong the last time. */
export function useTask() {
  const [isBusy, setIsBusy] = useState(false)
  const [problem, setProblem] = useState<ApiProblem>()
  async function run(work: () => Promise<ApiProblem | undefined>, onDone: () => void = () => {}) {
    if (isBusy) return
    setIsBusy(true)
    setProblem(undefined)
    const failed = await work()
    setIsBusy(false)
    setProblem(failed)
    if (failed === undefined) onDone()
  }
  return { isBusy, problem, run, forget: () => setProblem(undefined) }
}
