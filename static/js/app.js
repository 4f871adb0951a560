// The enhancements of every page. Each module looks for its own attributes; without scripts the same
// markup works by links, forms, <details> and <dialog>.
import { announce } from "./announce.js";
import { enhanceCopyButtons } from "./copy.js";
import { enhanceDialogs } from "./dialog.js";
import { enhanceFocus } from "./focus.js";
import { enhanceMenus } from "./menu.js";
import { enhancePlots } from "./plot.js";
import { enhanceShortcuts } from "./shortcut.js";
import { enhanceSubmitting } from "./submit.js";

enhanceCopyButtons(announce);
enhanceDialogs();
enhanceFocus();
enhanceMenus();
enhancePlots();
enhanceShortcuts();
enhanceSubmitting(announce);
