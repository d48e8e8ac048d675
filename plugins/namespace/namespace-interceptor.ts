import type { RequestInterceptor } from '../../core/index.js';

/** Says with every request which namespace its names are of. Matches Apache's NamespaceRpcHook (5.x). */
export function namespaceInterceptor(namespace: string): RequestInterceptor {
  return (context, next) => {
    context.ext.set('nsd', 'true').set('ns', namespace);
    return next(context);
  };
}
