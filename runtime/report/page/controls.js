/** @file Shows what only works with a script. */
document.documentElement.classList.add("scripted");
for (const controls of document.querySelectorAll(".controls")) controls.hidden = false;
