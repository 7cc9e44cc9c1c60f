export const DIRECTION_LABELS: Record<string, string> = {
  pull: 'imported into Syncline',
  push: 'pushed to the app',
};
