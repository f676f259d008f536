import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from '@/app'
import { AppState } from '@/app-state'
import { ErrorBoundary } from '@/error-boundary'
import { followVisibleHeight } from '@/viewport'
import './index.css'

followVisibleHeight()
const app = new AppState()
const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <ErrorBoundary>
      <App app={app} />
    </ErrorBoundary>
  </StrictMode>,
)
