/**
 * Keeps `--visible-height` at what is left of the window above the keyboard of a phone, where the browser shrinks
 * only its visual viewport (iOS), so that the composer stays in sight.
 */
export function followVisibleHeight(): void {
  const viewport = window.visualViewport
  if (!viewport) return
  const follow = () => {
    // Zooming with two fingers makes it smaller, too, and is none of our business.
    const isZoomed = viewport.scale > 1.01
    const isCovered = window.innerHeight - viewport.height > 1
    const { style } = document.documentElement
    if (isCovered && !isZoomed) style.setProperty('--visible-height', `${viewport.height}px`)
    else style.removeProperty('--visible-height')
  }
  viewport.addEventListener('resize', follow)
  follow()
}
