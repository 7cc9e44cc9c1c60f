/**
 * A way to read a list beside its paging: per parent, by windows, by partitions, or from a sync token. Each
 * is a module of this folder. What a way leaves out stays as it is.
 */
import type { JsonValue } from '../../../../domain/json';
import type { HttpRequest, HttpResponse } from '../../../connector';
import type { Next, ReadAnswer } from '../paging';
import type { Place } from '../read-position';

export interface ReadingWay {
  /** The call of each page, before the parameters of the page are added. */
  request?(request: HttpRequest): HttpRequest;
  /** From where the page at a place is requested. */
  from?(place: Place): Place;
  /** Whether the list ends without a page. @throws if the answer has no meaning for this way */
  isEnd?(response: HttpResponse, place: Place): boolean;
  /** Where the reading goes on, and the items of the page that are read now. */
  behind?(step: Step, place: Place, response: HttpResponse): Step;
  /** The sync token that the last page ends with. */
  tokenAtEnd?(answer: ReadAnswer): string;
}

export interface Step {
  next: Next;
  items: JsonValue[];
}
