import { useEffect, useRef } from 'react';

const VISIBLE_FOR_MS = 1_000;

/** Calls once when the element has been visible for a second, in a window that is looked at (rules.md 25). */
export function useSeen<Element extends HTMLElement>(
  isOn: boolean,
  onSeen: () => void,
): React.RefObject<Element | null> {
  const element = useRef<Element>(null);
  const tell = useRef(onSeen);
  useEffect(() => {
    tell.current = onSeen;
  });
  useEffect(() => {
    if (!isOn || element.current === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isInView = false;
    const follow = (): void => {
      clearTimeout(timer);
      if (isInView && document.visibilityState === 'visible')
        timer = setTimeout(() => tell.current(), VISIBLE_FOR_MS);
    };
    const observer = new IntersectionObserver(
      ([entry]) => {
        isInView = entry?.isIntersecting === true;
        follow();
      },
      { threshold: 0.5 },
    );
    observer.observe(element.current);
    document.addEventListener('visibilitychange', follow);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener('visibilitychange', follow);
    };
  }, [isOn]);
  return element;
}
