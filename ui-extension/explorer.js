// Orthanc Explorer (jQuery Mobile): a button on the study and series pages that opens our page.
// All plugins share one script file, so this one keeps to itself and never throws at top level.
(function () {
  'use strict';

  function addButton(page, anchor, route) {
    var id = 'fedpet-' + page + '-button';
    $('#' + page).live('pagebeforeshow', function () {
      var uuid = $.mobile.pageData && $.mobile.pageData.uuid;
      $('#' + id).remove();
      if (!uuid) return;
      $('<a>')
        .attr('id', id)
        .attr('data-role', 'button')
        .attr('data-icon', 'search')
        .attr('data-theme', 'e')
        .attr('target', '_blank')
        .attr('rel', 'noopener')
        .attr('href', '../fedpet/app/index.html#/' + route + '/' + encodeURIComponent(uuid))
        .text('fedpet result')
        .insertAfter($(anchor))
        .button();
    });
  }

  try {
    addButton('study', '#study-info', 'study');
    addButton('series', '#series-info', 'series');
  } catch (error) {
    if (window.console) console.error('fedpet: no button in Orthanc Explorer', error);
  }
})();
