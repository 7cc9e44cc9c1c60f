/** The hosted page of connect sessions: no sign-in to the console, and none of its pages. */
import '@mantine/core/styles.css';
import '../styles.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { resolver, theme } from '../theme';
import { ConnectPage } from './ConnectPage';

const element = document.getElementById('connect');
if (element === null) throw new Error('The page has no element to show itself in.');
createRoot(element).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={resolver} defaultColorScheme="auto">
      <ConnectPage />
    </MantineProvider>
  </StrictMode>,
);
