/** A worker of workerpool. */

import workerpool from "workerpool";
import { empty, nap } from "./tasks.ts";

workerpool.worker({ empty, nap });
