import type { ComponentProps } from 'react'
import { cn } from '@/lib/utils'

/** The mark: one boat of the fleet. */
export function Mark({ className, ...props }: ComponentProps<'svg'>) {
  return (
    <svg data-slot="mark" viewBox="0 0 32 32" aria-hidden className={cn('size-8', className)} {...props}>
      <rect width="32" height="32" rx="8.5" fill="#17677c" />
      <g fill="#f3fbfb">
        <path d="M15.4 5.2v12.6H7.9c2.9-3 5.9-7.3 7.5-12.6Z" />
        <path d="M17.3 9.1c3 2.1 4.9 5 5.7 8.7h-5.7V9.1Z" fill="#ffb27d" />
        <path d="M5.6 19.6h20.8c-.9 2.7-2.7 4.3-5.2 4.3H10.8c-2.5 0-4.3-1.6-5.2-4.3Z" />
      </g>
      <path
        d="M4.5 27.2c1.9 0 1.9-1.2 3.8-1.2s1.9 1.2 3.8 1.2S14.1 26 16 26s1.9 1.2 3.9 1.2 1.9-1.2 3.8-1.2 1.9 1.2 3.8 1.2"
        fill="none"
        stroke="#8fd0d6"
        strokeWidth="1.5"
        strokeLinecap="round"
      />
    </svg>
  )
}

/** Three boats on calm water, for places where there is nothing yet. */
export function FleetScene({ className, ...props }: ComponentProps<'svg'>) {
  return (
    <svg
      data-slot="fleet-scene"
      viewBox="0 0 240 96"
      aria-hidden
      className={cn('w-60 text-primary', className)}
      {...props}
    >
      <circle cx="186" cy="26" r="13" className="fill-signal/25 dark:fill-foreground/15" />
      <Boat x={44} y={58} scale={0.62} delay="-1.2s" className="text-primary/55" />
      <Boat x={112} y={62} scale={1.12} delay="0s" className="text-primary" />
      <Boat x={176} y={60} scale={0.78} delay="-3.1s" className="text-primary/75" />
      <g fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round">
        <path
          d="M14 70c9 0 9-5 18-5s9 5 18 5 9-5 18-5 9 5 18 5 9-5 18-5 9 5 18 5 9-5 18-5 9 5 18 5 9-5 18-5 9 5 18 5 9-5 18-5"
          opacity=".5"
        />
        <path d="M46 82c9 0 9-5 18-5s9 5 18 5 9-5 18-5 9 5 18 5 9-5 18-5 9 5 18 5 9-5 18-5" opacity=".28" />
        <path d="M92 93c9 0 9-5 18-5s9 5 18 5 9-5 18-5" opacity=".16" />
      </g>
    </svg>
  )
}

/** The sea along the foot of a page, with the fleet on it. Stretches with the window; the boats keep their shape. */
export function Sea({ className, ...props }: ComponentProps<'svg'>) {
  return (
    <svg
      data-slot="sea"
      viewBox="0 0 1440 260"
      preserveAspectRatio="xMidYMax slice"
      aria-hidden
      className={cn('text-primary', className)}
      {...props}
    >
      <circle cx="838" cy="84" r="52" className="fill-signal/20 dark:fill-foreground/12" />
      <Boat x={610} y={95} scale={0.7} delay="-2.2s" className="text-primary/45" />
      <Boat x={905} y={93} scale={0.9} delay="-4s" className="text-primary/55" />
      <Swell d={wave(102, 12, 240)} tint={0.14} />
      <Boat x={728} y={126} scale={1.7} delay="0s" className="text-primary" />
      <Swell d={wave(136, 14, 320)} tint={0.26} />
      <Swell d={wave(188, 12, 288)} tint={0.4} />
    </svg>
  )
}

/** Water hides what is behind it, and takes its tint from the theme. */
function Swell({ d, tint }: { d: string; tint: number }) {
  return (
    <>
      <path d={d} className="fill-canvas" />
      <path d={d} fill="currentColor" opacity={tint} />
    </>
  )
}

/** A swell from edge to edge of 1440, filled down to the floor. `length` of one wave divides 2,880. */
function wave(y: number, height: number, length: number): string {
  const half = length / 2
  const swells = Array.from({ length: Math.ceil(1440 / half) + 2 }, () => `t${half} 0`).join('')
  return `M${-half} ${y}q${half / 2} ${-height} ${half} 0${swells}V260H${-half}Z`
}

/** One boat on its own water, in the colour of the text: under way, slowed, or (`data-state=down`) gone under. */
export function LoneBoat({ className, ...props }: ComponentProps<'svg'>) {
  return (
    <svg
      data-slot="lone-boat"
      viewBox="-36 -50 72 72"
      aria-hidden
      className={cn('group/boat size-11', className)}
      {...props}
    >
      <g className="transition-transform duration-700 ease-in-out group-data-[state=down]/boat:translate-y-[20px] group-data-[state=down]/boat:rotate-[34deg]">
        <g
          className="origin-bottom animate-bob [transform-box:fill-box] group-data-[state=down]/boat:animate-none group-data-[state=late]/boat:animate-none"
          fill="currentColor"
        >
          <BoatShape />
        </g>
      </g>
      <path d="M-36 9q9 -7 18 0t18 0t18 0t18 0V24H-36Z" className="fill-card" />
      <path
        d="M-36 9q9 -7 18 0t18 0t18 0t18 0"
        fill="none"
        stroke="currentColor"
        strokeWidth="3"
        strokeLinecap="round"
        opacity=".45"
      />
    </svg>
  )
}

function BoatShape() {
  return (
    <>
      <path d="M-1-44V-6h-23c9-9 18-22 23-38Z" />
      <path d="M4-33C13-26 19-17 21-6H4v-27Z" className="fill-signal" opacity=".85" />
      <path d="M-30-1h62C29 7 24 11 16 11h-31c-8 0-13-4-15-12Z" />
    </>
  )
}

type BoatProps = { x: number; y: number; scale: number; delay: string; className: string }

function Boat({ x, y, scale, delay, className }: BoatProps) {
  return (
    <g transform={`translate(${x} ${y}) scale(${scale})`}>
      <g
        className={cn('origin-bottom animate-bob [transform-box:fill-box]', className)}
        style={{ animationDelay: delay }}
        fill="currentColor"
      >
        <BoatShape />
      </g>
    </g>
  )
}
