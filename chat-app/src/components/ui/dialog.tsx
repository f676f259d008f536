import { XIcon } from 'lucide-react'
import { useId, useLayoutEffect, useRef, type ComponentProps, type ReactNode } from 'react'
import { Button } from '@/components/ui/button'
import { cn } from '@/lib/utils'

type DialogProps = Omit<ComponentProps<'dialog'>, 'title'> & {
  open: boolean
  onOpenChange: (open: boolean) => void
  /** Takes the focus itself, instead of giving it to the first thing inside. */
  focusesItself?: boolean
}

/**
 * The browser's own modal dialog: it traps the focus, gives it back, makes the rest inert and closes on Escape.
 * A library's scroll lock would write a style element, which the app's policy forbids.
 */
export function ModalDialog({ open, onOpenChange, focusesItself = false, className, ...props }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const isBackdropPressed = useRef(false)
  // Before anything else of the same draw: what is inert behind a dialog cannot take the focus.
  useLayoutEffect(() => {
    const dialog = ref.current
    if (!dialog || dialog.open === open) return
    if (!open) return dialog.close()
    dialog.showModal()
    if (focusesItself) dialog.focus()
  }, [open, focusesItself])
  return (
    <dialog
      ref={ref}
      data-slot="dialog"
      tabIndex={-1}
      className={cn('outline-none', className)}
      onClose={(event) => {
        // Told some time after it closed; it may be open again.
        if (!event.currentTarget.open) onOpenChange(false)
      }}
      onKeyDown={(event) => {
        // A tooltip still on its way out takes the Escape for its own, and the browser then leaves the dialog open.
        if (event.key === 'Escape' && !event.nativeEvent.isComposing) onOpenChange(false)
      }}
      // The dialog's own box is filled by its content; what meets the element itself meets the backdrop. Whoever lets go
      // there of what was pressed inside, as in marking a text, does not mean it.
      onPointerDown={(event) => {
        isBackdropPressed.current = event.target === event.currentTarget
      }}
      onClick={(event) => {
        if (isBackdropPressed.current && event.target === event.currentTarget) onOpenChange(false)
      }}
      {...props}
    />
  )
}

type DialogBoxProps = DialogProps & { title: ReactNode; description?: ReactNode }

/** A small box in the middle, with a title and a way out. */
export function Dialog({ title, description, children, className, ...props }: DialogBoxProps) {
  const id = useId()
  return (
    <ModalDialog
      aria-labelledby={`${id}-title`}
      aria-describedby={description ? `${id}-description` : undefined}
      className={cn(
        'm-auto w-[min(29rem,calc(100vw-2rem))] rounded-2xl border bg-card text-foreground shadow-lift open:scale-100 starting:open:scale-95',
        className,
      )}
      {...props}
    >
      <div className="p-6">
        <h2 id={`${id}-title`} className="pr-8 text-lg font-semibold tracking-tight">
          {title}
        </h2>
        {description && (
          <p id={`${id}-description`} className="mt-1 text-sm text-muted-foreground">
            {description}
          </p>
        )}
        {children}
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label="Close"
          className="absolute top-4 right-4"
          onClick={() => props.onOpenChange(false)}
        >
          <XIcon className="size-4" />
        </Button>
      </div>
    </ModalDialog>
  )
}
