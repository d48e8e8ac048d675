/**
 * What this folder uses of NestJS, so that it is compiled without NestJS: an application brings its own, 11 or 12, and with
 * it the whole types. test/package compiles and runs applications on both.
 */
declare module '@nestjs/common' {
  export type InjectionToken = string | symbol | Type<unknown>;
  export interface Type<T> {
    new (...parameters: never[]): T;
  }
  export interface FactoryProvider<T = unknown> {
    provide: InjectionToken;
    inject?: (InjectionToken | { token: InjectionToken; optional: boolean })[];
    useFactory: (...dependencies: never[]) => T | Promise<T>;
  }
  export type Provider =
    | Type<unknown>
    | FactoryProvider
    | { provide: InjectionToken; useValue: unknown }
    | { provide: InjectionToken; useClass: Type<unknown> };
  export interface ModuleMetadata {
    imports?: (Type<unknown> | DynamicModule | Promise<DynamicModule>)[];
    providers?: Provider[];
    exports?: InjectionToken[];
  }
  export interface DynamicModule extends ModuleMetadata {
    module: Type<unknown>;
    global?: boolean;
  }
  export function Module(metadata: ModuleMetadata): ClassDecorator;
  export function Injectable(): ClassDecorator;
  export function Inject(token: InjectionToken): PropertyDecorator & ParameterDecorator;
  export class Logger {
    constructor(context: string);
    debug(message: string): void;
    log(message: string): void;
    warn(message: string): void;
    error(message: string): void;
  }
}

declare module '@nestjs/core' {
  import type { Type } from '@nestjs/common';
  export interface InstanceWrapper {
    readonly metatype: unknown;
    readonly instance: unknown;
    readonly name: string;
    isDependencyTreeStatic(): boolean;
  }
  export class DiscoveryService {
    getProviders(): InstanceWrapper[];
    getControllers(): InstanceWrapper[];
  }
  export const DiscoveryModule: Type<unknown>;
}
