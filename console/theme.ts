/** Colors and defaults with the contrast of WCAG AA in both themes. */
import {
  Badge,
  Button,
  createTheme,
  type CSSVariablesResolver,
  defaultVariantColorsResolver,
  Tooltip,
  type VariantColorsResolver,
} from '@mantine/core';

/** Mantine's colors on tinted surfaces have too little contrast for small text. */
const readable: VariantColorsResolver = (input) => {
  const colors = defaultVariantColorsResolver(input);
  if (input.variant !== 'light' || input.color === undefined) return colors;
  const shade = (index: number): string => `var(--mantine-color-${input.color}-${index})`;
  return { ...colors, color: `light-dark(color-mix(in srgb, ${shade(9)} 55%, black), ${shade(1)})` };
};

export const theme = createTheme({
  variantColorResolver: readable,
  primaryColor: 'indigo',
  primaryShade: 8,
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.15rem' }, h3: { fontSize: '1rem' } },
  },
  components: {
    Badge: Badge.extend({
      defaultProps: { variant: 'light', radius: 'sm', tt: 'none' },
      styles: { root: { minWidth: 'max-content' } },
    }),
    Button: Button.extend({ defaultProps: { size: 'sm' } }),
    // Named, not imported, to keep the first chunk small: most pages do not use them.
    JsonInput: {
      defaultProps: {
        autosize: true,
        spellCheck: false,
        styles: { input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } },
      },
    },
    Modal: { defaultProps: { centered: true, closeButtonProps: { 'aria-label': 'Close' } } },
    PasswordInput: {
      defaultProps: {
        visibilityToggleButtonProps: { 'aria-label': 'Show or hide the password', tabIndex: 0 },
      },
    },
    // Hidden texts in a table scroll with it; otherwise they make the page wider.
    TableScrollContainer: { defaultProps: { pos: 'relative' } },
    Tooltip: Tooltip.extend({
      defaultProps: {
        multiline: true,
        maw: 320,
        withArrow: true,
        events: { hover: true, focus: true, touch: true },
      },
    }),
  },
});

/** Mantine's gray for secondary text has too little contrast. */
export const resolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#545b64',
    '--mantine-color-anchor': '#364fc7',
    '--mantine-color-error': '#c92a2a',
  },
  dark: {
    '--mantine-color-dimmed': '#b3b9c1',
    '--mantine-color-anchor': '#a5b8ff',
    '--mantine-color-error': '#ffa8a8',
  },
});
