import { Component, type ErrorInfo, type ReactNode } from 'react'
import { FleetScene } from '@/components/fleet-art'
import { Button } from '@/components/ui/button'

/** The last resort: what nobody planned ends here, with a way on. What was sent is safe with the servers. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override componentDidCatch(error: unknown, info: ErrorInfo) {
    console.error('the app failed', error, info.componentStack)
  }

  override render() {
    if (!this.state.failed) return this.props.children
    return (
      <main role="alert" className="app-height grid place-items-center p-6 text-center">
        <div>
          <FleetScene className="mx-auto mb-6" />
          <h1 className="text-xl font-semibold tracking-tight">Something ran aground</h1>
          <p className="mt-2 max-w-sm text-muted-foreground">
            The page failed, not the fleet. Your messages are where they were.
          </p>
          <Button className="mt-6" onClick={() => location.reload()}>
            Load the page again
          </Button>
        </div>
      </main>
    )
  }
}
