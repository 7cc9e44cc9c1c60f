import { stopSharedServers } from './servers';

export default stopSharedServers;
