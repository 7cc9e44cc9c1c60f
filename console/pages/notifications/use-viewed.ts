import { type RefObject, useEffect, useRef } from 'react';

const VISIBLE_FOR_MS = 1_000;

/** Calls `onViewed` when the element has been visible for a second in a visible window (rules.md 25). */
export function useViewed<Element extends HTMLElement>(
  isOn: boolean,
  onViewed: () => void,
): RefObject<Element | null> {
  const element = useRef<Element>(null);
  const callback = useRef(onViewed);
  useEffect(() => {
    callback.current = onViewed;
  });
  useEffect(() => {
    if (!isOn || element.current === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isInView = false;
    const restartTimer = (): void => {
      clearTimeout(timer);
      if (isInView && document.visibilityState === 'visible')
        timer = setTimeout(() => callback.current(), VISIBLE_FOR_MS);
    };
    const observer = new IntersectionObserver(
      ([entry]) => {
        isInView = entry?.isIntersecting === true;
        restartTimer();
      },
      { threshold: 0.5 },
    );
    observer.observe(element.current);
    document.addEventListener('visibilitychange', restartTimer);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener('visibilitychange', restartTimer);
    };
  }, [isOn]);
  return element;
}
