-- Campaigns that visitors came by. `clicks`: different click ids of advertisers' networks.
SELECT
    campaign_source AS source,
    campaign_medium AS medium,
    campaign_name AS campaign,
    uniqExact(device) AS visitors,
    uniqExactIf(click_id, click_id != '') AS clicks
FROM events FINAL
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')} AND device_class != 'bot' AND type IN ('page', 'screen')
    AND (campaign_source != '' OR campaign_medium != '' OR campaign_name != '' OR click_id != '')
GROUP BY source, medium, campaign
ORDER BY visitors DESC, source, medium, campaign
LIMIT 20
