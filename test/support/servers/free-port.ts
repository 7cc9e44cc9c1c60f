export { freePort } from '../../../dev/start/ports';
